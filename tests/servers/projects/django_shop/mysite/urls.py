from django.contrib import admin
from django.urls import include, path
from oauth2_provider import urls as oauth2_urls
from shop import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("o/", include(oauth2_urls)),
    path("me/", views.me),
    path("status/", views.status),
]
