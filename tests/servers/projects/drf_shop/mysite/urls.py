from django.contrib import admin
from django.urls import path
from rest_framework.authtoken.views import obtain_auth_token
from shop import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api-token-auth/", obtain_auth_token),
    path("token/me/", views.by_token),
    path("bearer/me/", views.by_bearer),
    path("basic/me/", views.by_password),
    path("me/", views.by_any),
    path("status/", views.status),
]
